"""The method's verbs and what they share."""
