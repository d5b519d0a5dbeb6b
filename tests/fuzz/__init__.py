"""Ten million hostile inputs: guided by coverage, then the ones that were new, grown to size, against the clock."""
