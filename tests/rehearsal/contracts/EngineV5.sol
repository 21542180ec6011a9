// SPDX-License-Identifier: MIT
pragma solidity ^0.8.19;

/// @title The part of version 5 of the Engine that differs for an author: it refuses with sentences, and has no allow lists.
/// @notice For tests of a client only; written from the facts, as the rehearsal's own Engine.
contract EngineV5 {
    struct Model {
        uint256 fee;
        address addr;
        uint256 rate;
        bytes cid;
    }

    event ModelRegistered(bytes32 indexed id);
    event ModelFeeChanged(bytes32 indexed id, uint256 fee);
    event ModelAddrChanged(bytes32 indexed id, address addr);

    address public owner = msg.sender;
    bool public paused;
    uint256 public constant version = 5;
    uint256 public constant solutionModelFeePercentage = 1e18;
    mapping(bytes32 => Model) public models;

    modifier notPaused() {
        require(!paused, "paused");
        _;
    }

    modifier onlyModelOwnerOrOwner(bytes32 model_) {
        require(models[model_].addr == msg.sender || msg.sender == owner, "not model owner");
        _;
    }

    function registerModel(address addr_, uint256 fee_, bytes calldata template_) external notPaused returns (bytes32 id) {
        require(addr_ != address(0), "address must be non-zero");
        bytes memory cid = generateIPFSCID(template_);
        id = hashModel(Model(fee_, addr_, 0, cid), msg.sender);
        require(models[id].addr == address(0), "model already registered");
        models[id] = Model(fee_, addr_, 0, cid);
        emit ModelRegistered(id);
    }

    function setModelFee(bytes32 model_, uint256 fee_) external onlyModelOwnerOrOwner(model_) {
        models[model_].fee = fee_;
        emit ModelFeeChanged(model_, fee_);
    }

    function setModelAddr(bytes32 model_, address addr_) external onlyModelOwnerOrOwner(model_) {
        require(addr_ != address(0), "address must be non-zero");
        models[model_].addr = addr_;
        emit ModelAddrChanged(model_, addr_);
    }

    function setPaused(bool paused_) external {
        require(msg.sender == owner, "not pauser");
        paused = paused_;
    }

    function hashModel(Model memory o_, address sender_) public pure returns (bytes32) {
        return keccak256(abi.encode(sender_, o_.addr, o_.fee, o_.cid));
    }

    function generateIPFSCID(bytes calldata content_) public pure returns (bytes memory) {
        require(content_.length <= 65536, "Max content size is 65536 bytes");
        bytes memory size = _varint(content_.length);
        bytes memory node = abi.encodePacked(hex"080212", size, content_, hex"18", size);
        return abi.encodePacked(hex"1220", sha256(abi.encodePacked(hex"0a", _varint(node.length), node)));
    }

    function _varint(uint256 n_) private pure returns (bytes memory out) {
        while (n_ > 0x7f) {
            out = abi.encodePacked(out, uint8(0x80 | (n_ & 0x7f)));
            n_ >>= 7;
        }
        return abi.encodePacked(out, uint8(n_));
    }
}
