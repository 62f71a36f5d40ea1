"""Question–answer pairs become a measured, versioned adapter on a base model."""
