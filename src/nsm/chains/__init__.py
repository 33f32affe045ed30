"""What programs begin with: recipes that read top to bottom."""
