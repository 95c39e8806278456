extension DetectorBank {
    /// Bytes of all detectors' state without their checks: what the arrays hold and what lies inline.
    package var stateBytes: Int {
        entries.reduce(0) { sum, entry in
            entry.detectors.reduce(sum) { $0 + $1.stateBytes }
        }
    }
}

extension ThresholdDetector {
    /// Bytes of the state beside the check.
    var stateBytes: Int {
        MemoryLayout<ThresholdDetector>.size + window.heapBytes + shares.heapBytes + (measured?.heapBytes ?? 0)
    }
}

extension MeasureState {
    /// Bytes outside of the value itself.
    var heapBytes: Int {
        switch self {
        case .lowVolume(let ratios): ratios.heapBytes
        case .burn(let long, let short): long.heapBytes + short.heapBytes
        case .growth(let watch): watch.heapBytes
        case .quantile(let window): window.heapBytes
        case .baseline(let model): MemoryLayout<BaselineModel>.size + model.value.heapBytes
        case .shift(let model): MemoryLayout<ShiftModel>.size + model.value.heapBytes
        case .surprise(let watch): MemoryLayout<SurpriseWatch>.size + watch.value.heapBytes
        }
    }
}
