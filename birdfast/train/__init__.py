"""What is learnt from recordings, in the order of learning: codebook, skip-gram embeddings, classifier."""
