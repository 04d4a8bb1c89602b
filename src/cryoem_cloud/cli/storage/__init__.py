"""What lies where: cryoem storage's commands."""
