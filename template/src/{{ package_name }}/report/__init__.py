"""The parts of `data_report`: facts about columns, and how they are drawn."""
