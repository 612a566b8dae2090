"""What unhappy customers write that happy ones do not."""

from analysis.methods.comments.study import (
    CommentStudy,
    CommentTerm,
    LanguageBase,
    TouchpointTerm,
    compare_comments,
)

__all__ = [
    "CommentStudy",
    "CommentTerm",
    "LanguageBase",
    "TouchpointTerm",
    "compare_comments",
]
