"""What a run's trainings say of the variants: means, paired differences, one sentence."""
