"""The figures by which two models are compared, and what each one means. No torch: a page and `--help` read it too."""

from pydantic import BaseModel, ConfigDict, Field

SAMPLES = 2000
PAIRS = 200
COMPONENTS = 10


class LatentFigures(BaseModel):
    """What the latent space of one model is like; None where a figure is not defined."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    confident_prior: float | None = Field(
        title="confident samples, N(0, I)",
        description=f"Share of {SAMPLES:,} draws from N(0, I), decoded, that a classifier trained on the real images "
        "calls one class with probability at least 0.9. It is sure of nonsense too: "
        "of a quarter to a half of the averages of two real images. Read it with the entropy.",
    )
    entropy_prior: float | None = Field(
        title="class entropy, N(0, I)",
        description="Entropy, in nats, of the classes of those confident samples: ln 10 = 2.30 when ten classes come "
        "equally often, 0 when it is always the same one.",
    )
    confident_mixture: float | None = Field(
        title="confident samples, mixture",
        description=f"The same share for {SAMPLES:,} draws from a Gaussian mixture fitted to the model's codes.",
    )
    entropy_mixture: float | None = Field(
        title="class entropy, mixture",
        description="Entropy, in nats, of the classes of the confident samples from the mixture.",
    )
    empty_share: float | None = Field(
        title="empty share of the map",
        description="Share of the codes' bounding box that lies farther from any code than 3 times the median distance "
        "from a code to its nearest other (d = 2 only). Thin outskirts count as empty: 10,000 draws from N(0, I), "
        "without a hole, have about 0.65, and 360 draws between 0.33 and 0.56. One outlying code makes the box larger.",
    )
    mmd: float | None = Field(
        title="MMD to N(0, I)",
        description="Maximum mean discrepancy between the codes and N(0, I), Gaussian kernel with l^2 = d: 0 when they "
        "are alike, at most 1.41. It sees shape, place and scale of the whole, hardly small holes.",
    )
    roughness: float | None = Field(
        title="roughness of paths",
        description="Length of a decoded straight path over the distance of its end images, both in pixel space: 1 for "
        f"a linear decoder. The median over {PAIRS} random pairs of codes.",
    )
    mse: float | None = Field(
        title="MSE per pixel",
        description="Squared error of the reconstruction from the mean code, per pixel, on the test set.",
    )
    knn_accuracy: float | None = Field(
        title="5-NN accuracy of the codes",
        description="Share of mean codes whose 5 nearest others vote for their class, on the test set. It does not "
        "show holes: it looks only where codes are, and an autoencoder may win it.",
    )
    median_sigma: float | None = Field(
        title="median sigma",
        description="Median standard deviation of q(z|x) over test images and dimensions (VAE only): near 0, the model "
        "tells images apart by points, as an autoencoder does.",
    )


DEFINITIONS: dict[str, str] = {name: field.description or "" for name, field in LatentFigures.model_fields.items()}
TITLES: dict[str, str] = {name: field.title or name for name, field in LatentFigures.model_fields.items()}
CODES_USED = (
    "The codes are those of the test set that the decoder saw the like of in training: a draw from q(z|x) for each "
    "image where the model is a VAE, the code itself otherwise. MSE and 5-NN accuracy use the mean code."
)
