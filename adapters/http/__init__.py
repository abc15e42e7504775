"""HTTP for every adapter: sessions, dates, errors in words."""
