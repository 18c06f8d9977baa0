"""Published test ELBOs, in nats per image, to hold a curve against. All Bernoulli likelihoods on grey values."""

from vae.config import RunConfig

MARKS: dict[tuple[str, int], tuple[tuple[float, str], ...]] = {
    ("mnist", 2): ((-146.95, "a widely read tutorial"), (-132.76, "mnist-vae-2d, shipped")),
    ("mnist", 20): ((-105.59, "PyTorch's example, 10 epochs"), (-95.80, "mnist-vae-20d, shipped")),
    ("fashion-mnist", 2): ((-250.88, "fashion-vae-2d, shipped"),),
    ("digits", 2): ((-24.35, "digits-vae-2d, shipped"),),
}


def marks_for(config: RunConfig) -> tuple[tuple[float, str], ...]:
    """The marks (value, name) that a run's curve may be compared with; none where another objective is trained."""
    comparable = config.model.kind == "vae" and config.model.likelihood == "bernoulli" and config.training.beta == 1
    return MARKS.get((config.dataset, config.model.latent_dim), ()) if comparable else ()
