"""Research methods that ship with Heliostat, one package a method."""
