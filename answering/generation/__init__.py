"""Text generation: in process or by a server, behind one small seam."""
