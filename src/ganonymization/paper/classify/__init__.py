"""The paper's classifier of expressions and attributes: ConvNeXt, trained on faces."""
