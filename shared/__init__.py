"""What Outrider does, free of any trigger: read in the order of design, it is the flow."""
