"""Each kind of PDF is made here by reportlab, or by hand where reportlab makes none."""
