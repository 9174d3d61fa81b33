"""Coverage: what of birdfast/ the tests run, in all processes that they start (`make coverage`)."""
