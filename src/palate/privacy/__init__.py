"""Export and erase a person across everything that is kept."""
