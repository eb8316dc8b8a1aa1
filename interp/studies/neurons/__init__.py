"""Single neurons: what they match, which concepts they hold, and where the weights are (C10 to C12)."""
