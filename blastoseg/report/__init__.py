"""What a run leaves behind for people: tables, workbook, overlays, run manifest. No torch."""
