"""What people corrected: labels of single frames, kept in ``OUT/corrections`` and used in every report."""
