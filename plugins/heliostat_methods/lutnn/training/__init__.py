"""Fine-tuning of models with layers by table lookup."""
