"""The 32 strokes of Chinese characters, a character's code, and which characters share one."""
