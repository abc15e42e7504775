"""HTTP for every adapter: sessions, dates and errors."""
