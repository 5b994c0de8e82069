// From maps to a vector, and the layers of a vector.
