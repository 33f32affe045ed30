"""The program that knows who offers what: network services and endpoints."""
