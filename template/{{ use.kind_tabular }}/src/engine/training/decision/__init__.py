"""From scores to answers: probabilities that are true, and the threshold that costs ask for."""
