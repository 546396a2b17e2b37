"""What several of those formats are made of: frames with checksums, protobuf's wire format, nested values."""
