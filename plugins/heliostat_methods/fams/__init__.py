"""FAMS: fair and accurate prediction on many subgroups, and the measures to judge it by."""
