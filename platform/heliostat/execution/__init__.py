"""Where tasks run: in this process, or on Ray. The engine sees only `Executor`."""
