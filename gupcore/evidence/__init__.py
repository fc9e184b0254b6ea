"""What real kernels did, as recorded, and whether the model can follow them."""
