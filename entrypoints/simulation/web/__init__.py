"""The workbench: a web page that shows both simulated servers and lets people chat, edit flows and inject faults."""
