"""Species: which classes lists mean, which are expected at a place, what they are called in a language."""
