"""What a filter or a chain makes of one picture: pictures, sheets and numbers that know how they are encoded."""
