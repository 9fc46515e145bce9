"""What each companion study's page says of its question, its seed and its pictures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class StudyText:
    """`seed` is what the seed reports, never to be ranked against results on other data."""

    title: str
    question: str
    seed: str
    maps: str


STUDY_TEXTS = {
    "brain_mr_attribution": StudyText(
        "Which parts of a brain make a network say 'impaired'?",
        "A 3D CNN tells the cognitive group from an MR volume; several methods then show which "
        "voxels made it do so, and a summary score joins them. Folds are by subject.",
        "The seed (Kennedy et al.) shows the confusion matrix of 133 held-out instances and, for "
        "one of them, LRP, guided backpropagation, Grad-CAM++ and two products; it gives no figure "
        "and notes that the maps' accuracy is hard to assess. Here the site is known.",
        "Rows are held-out cases in the axial slice where the summary score is highest; the known "
        "site, if there is one, is outlined in blue in the first picture.",
    ),
    "tumour_classification": StudyText(
        "Tumour or normal from one brain MR slice",
        "Logistic regression and convolutional networks tell pictures with a tumour from "
        "normal ones. Near duplicates (perceptual hash) are kept in one fold, so that no picture "
        "is tested whose copy was learnt.",
        "The seed (Team 37, CS 188) reports test accuracies of 75 % (logistic regression), 92 % "
        "(ResNet18), 94 % (DenseNet) and 87 % (EfficientNet) with pretrained weights and a split "
        "that does not look for duplicates.",
        "Rows are held-out pictures; a map shows what speaks for the class that was told.",
    ),
}
