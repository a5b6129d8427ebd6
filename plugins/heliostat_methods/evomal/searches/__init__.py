"""What finds losses, one way a file; may import `tasks`, `learners` and below."""
