import Testing

@testable import PodProbe

@Suite struct QuantityTests {
    @Test(
        arguments: [
            ("0", 0.0), ("128", 128), ("1Ki", 1024), ("512Mi", 536_870_912), ("1.5Gi", 1_610_612_736),
            ("2Ti", 2_199_023_255_552),
            ("1Pi", 1_125_899_906_842_624), ("1Ei", 1_152_921_504_606_846_976), ("1k", 1000), ("64M", 64_000_000),
            ("1G", 1e9), ("1T", 1e12), ("1P", 1e15), ("1E", 1e18), ("250m", 0.25), ("100u", 0.0001), ("1n", 1e-9),
            ("12e6", 12e6), ("12E6", 12e6), ("1e-3", 0.001), ("1.5e+2", 150), ("+5", 5), ("-1Mi", -1_048_576),
            (".5", 0.5),
            ("5.", 5),
            ("128974848000m", 128_974_848), ("9007199254740988Ki", 9_007_199_254_740_988 * 1024),
        ] as [(String, Double)])
    func `parses what Kubernetes prints`(text: String, value: Double) {
        #expect(Quantity.parse(text) == value)
    }

    @Test(arguments: [
        "", " ", "Mi", "m", "1 Mi", "1Mib", "1mi", "1K", "0x10", "1e", "1e5Mi", "1e999", "--1", "1.2.3", "ten", "1,5",
        "inf", "nan",
        "１Ki", String(repeating: "1", count: 65),
    ])
    func `refuses the rest`(text: String) {
        #expect(Quantity.parse(text) == nil)
    }
}
