"""Any torch model in place of a dense one; may import its neighbours but `learner`."""
