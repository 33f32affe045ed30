"""The program that requests vWires for the namespace it runs in and keeps them alive."""
