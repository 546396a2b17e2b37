"""The names that the config of a ``.keras`` file may give: layers and the like that compute, and nothing else.

Not listed on purpose: ``Lambda`` (code in the file), ``TFSMLayer``, ``TorchModuleWrapper``, ``JaxLayer``, ``FlaxLayer`` (they
open other files, or unpickle), ``FeatureSpace``, operations that take functions, and every function that is not an
activation, a loss or a metric.
"""

from __future__ import annotations

MODELS = frozenset(
    [
        ("keras", "Sequential"),
        ("keras.models", "Sequential"),
        ("keras", "Functional"),
        ("keras.models", "Functional"),
        ("keras.src.models.functional", "Functional"),
        ("keras.src.models.sequential", "Sequential"),
    ]
)
"""What the file as a whole may be."""

_CLASSES = {
    "keras": "DTypePolicy FloatDTypePolicy InputSpec",
    "keras.dtype_policies": "DTypePolicy FloatDTypePolicy DTypePolicyMap QuantizedDTypePolicy",
    "keras.random": "SeedGenerator",
    "keras.src.random.seed_generator": "SeedGenerator",
    "keras.initializers": """
        Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity IdentityInitializer LecunNormal LecunUniform
        Ones Orthogonal OrthogonalInitializer RandomNormal RandomUniform STFT TruncatedNormal VarianceScaling Zeros""",
    "keras.regularizers": "L1 L1L2 L2 OrthogonalRegularizer",
    "keras.constraints": "MaxNorm MinMaxNorm NonNeg UnitNorm",
    "keras.layers": """
        Activation ActivityRegularization AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D
        AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D Add AdditiveAttention AlphaDropout Attention
        AugMix AutoContrast Average AveragePooling1D AveragePooling2D AveragePooling3D BatchNormalization
        Bidirectional CategoryEncoding CenterCrop Concatenate Conv1D Conv1DTranspose Conv2D Conv2DTranspose Conv3D
        Conv3DTranspose ConvLSTM1D ConvLSTM2D ConvLSTM3D Cropping1D Cropping2D Cropping3D CutMix Dense
        DepthwiseConv1D DepthwiseConv2D Discretization Dot Dropout ELU EinsumDense Embedding Equalization Flatten GRU
        GRUCell GaussianDropout GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D
        GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D GroupNormalization GroupQueryAttention
        HashedCrossing Hashing Identity InputLayer IntegerLookup LSTM LSTMCell LayerNormalization LeakyReLU Masking
        MaxNumBoundingBoxes MaxPooling1D MaxPooling2D MaxPooling3D Maximum MelSpectrogram Minimum MixUp
        MultiHeadAttention Multiply Normalization PReLU Permute Pipeline RMSNormalization RNN RandAugment
        RandomBrightness RandomColorDegeneration RandomColorJitter RandomContrast RandomCrop RandomElasticTransform
        RandomErasing RandomFlip RandomGaussianBlur RandomGrayscale RandomHue RandomInvert RandomPerspective
        RandomPosterization RandomRotation RandomSaturation RandomSharpness RandomShear RandomTranslation RandomZoom
        ReLU RepeatVector Rescaling Reshape Resizing ReversibleEmbedding STFTSpectrogram SeparableConv1D
        SeparableConv2D SimpleRNN SimpleRNNCell Softmax Solarization SpatialDropout1D SpatialDropout2D
        SpatialDropout3D SpectralNormalization StackedRNNCells StringLookup Subtract TextVectorization
        TimeDistributed UnitNormalization UpSampling1D UpSampling2D UpSampling3D ZeroPadding1D ZeroPadding2D
        ZeroPadding3D""",
    "keras.losses": """
        BinaryCrossentropy BinaryFocalCrossentropy CTC CategoricalCrossentropy CategoricalFocalCrossentropy
        CategoricalGeneralizedCrossEntropy CategoricalHinge Circle CosineSimilarity Dice Hinge Huber KLDivergence
        LogCosh MeanAbsoluteError MeanAbsolutePercentageError MeanSquaredError MeanSquaredLogarithmicError Poisson
        SparseCategoricalCrossentropy SquaredHinge Tversky""",
    "keras.metrics": """
        AUC Accuracy BinaryAccuracy BinaryCrossentropy BinaryIoU CategoricalAccuracy CategoricalCrossentropy
        CategoricalHinge ConcordanceCorrelation CosineSimilarity F1Score FBetaScore FalseNegatives FalsePositives
        Hinge IoU KLDivergence LogCoshError Mean MeanAbsoluteError MeanAbsolutePercentageError MeanIoU
        MeanSquaredError MeanSquaredLogarithmicError OneHotIoU OneHotMeanIoU PearsonCorrelation Poisson Precision
        PrecisionAtRecall R2Score Recall RecallAtPrecision RootMeanSquaredError SensitivityAtSpecificity
        SparseCategoricalAccuracy SparseCategoricalCrossentropy SparseTopKCategoricalAccuracy
        SpecificityAtSensitivity SquaredHinge Sum TopKCategoricalAccuracy TrueNegatives TruePositives""",
    "keras.optimizers": """
        Adadelta Adafactor Adagrad Adam AdamW Adamax Ftrl Lamb Lion LossScaleOptimizer Muon Nadam RMSprop SGD
        ScheduleFreeAdamW""",
    "keras.optimizers.schedules": """
        CosineDecay CosineDecayRestarts ExponentialDecay InverseTimeDecay PiecewiseConstantDecay PolynomialDecay""",
}
CLASSES = MODELS | {(module, n) for module, names in _CLASSES.items() for n in names.split()}
"""Module and name, as configs spell public classes."""

OPERATIONS = frozenset(
    f"keras.src.ops.{name}" for name in ("numpy", "nn", "math", "linalg", "image")
)
"""Modules of which every operation may be named. Whether the name is one is looked up before keras reads the file."""

_WITH_FUNCTIONS = frozenset(["JVP"])

_FUNCTIONS = """
    celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu linear
    log_sigmoid log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus softsign sparse_plus
    sparse_sigmoid sparsemax squareplus swish tanh tanh_shrink threshold
    binary_crossentropy binary_focal_crossentropy categorical_crossentropy categorical_focal_crossentropy
    categorical_generalized_cross_entropy categorical_hinge circle cosine_similarity ctc dice hinge huber
    kl_divergence log_cosh mean_absolute_error mean_absolute_percentage_error mean_squared_error
    mean_squared_logarithmic_error poisson sparse_categorical_crossentropy squared_hinge tversky
    binary_accuracy categorical_accuracy concordance_correlation pearson_correlation sparse_categorical_accuracy
    sparse_top_k_categorical_accuracy top_k_categorical_accuracy"""
FUNCTIONS = frozenset(_FUNCTIONS.split())
FUNCTION_MODULES = frozenset(["builtins", "keras.activations", "keras.losses", "keras.metrics"])

VALUES = frozenset(
    ["__keras_tensor__", "__tensor__", "__numpy__", "__bytes__", "__ellipsis__", "__slice__"]
)
"""What a config writes for values that JSON has no form for."""

LOOKUPS = frozenset(["StringLookup", "IntegerLookup", "TextVectorization"])
"""Layers that take the name of a file where a list of words is meant."""


def allowed_class(module: str, name: str) -> bool:
    """Whether a config may name a class."""
    if module in OPERATIONS:
        return name.isidentifier() and name not in _WITH_FUNCTIONS
    return (module, name) in CLASSES


def allowed_function(module: str, name: str) -> bool:
    """Whether a config may name a function."""
    return module in FUNCTION_MODULES and name in FUNCTIONS
