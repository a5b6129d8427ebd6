"""Networks by table lookup compared with dense ones: trained, tuned alike, paired by seed."""
