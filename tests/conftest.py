"""What every test shares."""

import os

import torch
from hypothesis import HealthCheck, settings

# Timing never decides a test: a busy machine may be slow.
settings.register_profile("vae", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("vae")
torch.set_num_threads(int(os.environ.get("TEST_TORCH_THREADS", "1")))
