"""Networks: backbones, necks, heads and the landmarker that joins them."""
