"""What a small latent space makes knowable: bounds on log p(x), and log p(x) itself."""
