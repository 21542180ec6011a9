"""What the screens share. Widgets know Textual and the domain, never a service."""
