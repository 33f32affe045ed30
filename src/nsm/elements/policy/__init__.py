"""Who may: every hop checks who asks it, and who answers it."""
