"""How steady and how late the points are in moving pictures: sequences with known truth, and measures."""
