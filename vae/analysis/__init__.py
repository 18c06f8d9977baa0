"""Looking at a trained model: encoding a set, metrics, grids of images."""
