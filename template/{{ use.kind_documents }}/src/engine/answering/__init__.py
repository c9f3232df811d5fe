"""From a question and passages to an answer that cites them, or to a refusal."""
