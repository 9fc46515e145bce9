"""Bone mineral density from one plain hip radiograph, from raw DICOM to evaluated models."""
