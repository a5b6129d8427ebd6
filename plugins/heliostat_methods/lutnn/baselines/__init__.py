"""What LUT-NN is compared with: MADDNESS, hash trees and prototypes by regression."""
