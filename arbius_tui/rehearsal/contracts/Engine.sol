// SPDX-License-Identifier: MIT
pragma solidity ^0.8.19;

/// @title What a model author meets of the Arbius Engine (version 6), for the rehearsal and the tests.
/// @notice Written from the public behaviour of the live contract: the same functions, events, errors, order of checks and
/// even quirks, but nothing of mining, staking or fees. The owner, `paused` and the version lie in the storage slots that the
/// live contract uses (51, byte 20 of 103, and 107), so that a tool that writes storage works on both.
contract Engine {
    /// @notice A registered model. `fee` is in wei of AIUS; `addr` receives it and may change the model, and, as it is never
    /// zero, also says that the model exists; `rate` scales the mining reward (1e18 is 1); `cid` is a 34-byte multihash.
    struct Model {
        uint256 fee;
        address addr;
        uint256 rate;
        bytes cid;
    }

    error Paused();
    error NotPauser();
    error NotModelOwner();
    error ModelDoesNotExist();
    error ModelAlreadyRegistered();
    error AddressMustBeNonZero();
    error AllowListNotEnabled();
    error CannotReenableAllowList();

    event ModelRegistered(bytes32 indexed id);
    event ModelFeeChanged(bytes32 indexed id, uint256 fee);
    event ModelAddrChanged(bytes32 indexed id, address addr);
    event ModelAllowListUpdated(bytes32 indexed model, address indexed solver, bool added);
    event ModelAllowListRequirementChanged(bytes32 indexed model, bool required);
    event SolutionMineableRateChange(bytes32 indexed id, uint256 rate);
    event PausedChanged(bool indexed paused);

    uint256 private constant MAX_CONTENT = 65536;
    uint256 private constant TO_TREASURY_ALL = 1e18;

    uint256[51] private _beforeOwner;
    address public owner;
    uint256[49] private _beforeToken;
    address public baseToken;
    address public treasury;
    address public pauser;
    bool public paused;
    uint256[3] private _beforeVersion;
    uint256 public version;
    address public voter;
    uint256 public solutionModelFeePercentage;
    mapping(bytes32 => Model) public models;
    mapping(bytes32 => bool) public submitSolutionMinerAllowList;
    mapping(bytes32 => mapping(address => bool)) private _allowed;
    mapping(bytes32 => uint256) public solutionModelFeePercentageOverride;
    mapping(bytes32 => bool) public hasSolutionModelFeePercentageOverride;

    modifier notPaused() {
        if (paused) revert Paused();
        _;
    }

    modifier onlyOwner() {
        require(msg.sender == owner, "Ownable: caller is not the owner");
        _;
    }

    /// @dev An unknown model has the address zero, which nobody sends from: only the owner gets past this for it.
    modifier onlyModelOwnerOrOwner(bytes32 model_) {
        if (models[model_].addr != msg.sender && msg.sender != owner) revert NotModelOwner();
        _;
    }

    /// @dev For the functions that change an allow list: the model must be there, and must still have a list.
    modifier withAllowList(bytes32 model_) {
        if (models[model_].addr == address(0)) revert ModelDoesNotExist();
        if (!submitSolutionMinerAllowList[model_]) revert AllowListNotEnabled();
        _;
    }

    constructor(address owner_, address treasury_, address baseToken_, address voter_) {
        owner = owner_;
        pauser = owner_;
        treasury = treasury_;
        baseToken = baseToken_;
        voter = voter_;
        version = 6;
        solutionModelFeePercentage = TO_TREASURY_ALL;
    }

    /// @notice Register a model under the sender's name; returns its id.
    function registerModel(address addr_, uint256 fee_, bytes calldata template_) external notPaused returns (bytes32 id) {
        return _register(addr_, fee_, template_);
    }

    /// @notice Register a model that only these miners may solve. The list is neither part of the id nor logged.
    function registerModelWithAllowList(address addr_, uint256 fee_, bytes calldata template_, address[] calldata allowList_)
        external
        notPaused
        returns (bytes32 id)
    {
        id = _register(addr_, fee_, template_);
        submitSolutionMinerAllowList[id] = true;
        for (uint256 i = 0; i < allowList_.length; ++i) {
            _allowed[id][allowList_[i]] = true;
        }
    }

    /// @notice The id that `sender_` would get: the hash of sender, address, fee and CID, and of nothing else.
    function hashModel(Model memory o_, address sender_) public pure returns (bytes32) {
        return keccak256(abi.encode(sender_, o_.addr, o_.fee, o_.cid));
    }

    /// @notice The multihash of the content as `ipfs add` with CIDv0 makes it: one UnixFS file node without chunks.
    /// Empty content is accepted and gets a CID that no IPFS node gives, as on the live contract.
    function generateIPFSCID(bytes calldata content_) public pure returns (bytes memory) {
        require(content_.length <= MAX_CONTENT, "Max content size is 65536 bytes");
        bytes memory size = _varint(content_.length);
        // type = file, data = content, filesize = size
        uint256 nodeSize = 4 + 2 * size.length + content_.length;
        bytes32 digest = sha256(
            abi.encodePacked(hex"0a", _varint(nodeSize), hex"080212", size, content_, hex"18", size)
        );
        return abi.encodePacked(hex"1220", digest);
    }

    /// @notice Change the fee. Works while paused.
    function setModelFee(bytes32 model_, uint256 fee_) external onlyModelOwnerOrOwner(model_) {
        models[model_].fee = fee_;
        emit ModelFeeChanged(model_, fee_);
    }

    /// @notice Hand the model to another address; 0x..01 gives it up for good. Works while paused.
    function setModelAddr(bytes32 model_, address addr_) external onlyModelOwnerOrOwner(model_) {
        if (addr_ == address(0)) revert AddressMustBeNonZero();
        models[model_].addr = addr_;
        emit ModelAddrChanged(model_, addr_);
    }

    /// @notice Let these miners solve the model, too.
    function addToModelAllowList(bytes32 model_, address[] calldata solvers_)
        external
        onlyModelOwnerOrOwner(model_)
        withAllowList(model_)
    {
        _setAllowed(model_, solvers_, true);
    }

    /// @notice No longer let these miners solve the model.
    function removeFromModelAllowList(bytes32 model_, address[] calldata solvers_)
        external
        onlyModelOwnerOrOwner(model_)
        withAllowList(model_)
    {
        _setAllowed(model_, solvers_, false);
    }

    /// @notice Open the model to every miner. Nothing can turn the list on again.
    function disableModelAllowList(bytes32 model_) external onlyModelOwnerOrOwner(model_) withAllowList(model_) {
        submitSolutionMinerAllowList[model_] = false;
        emit ModelAllowListRequirementChanged(model_, false);
    }

    /// @notice Whether this miner may solve the model; true for everybody when it has no list.
    function isSolverAllowed(bytes32 model_, address solver_) external view returns (bool) {
        return !submitSolutionMinerAllowList[model_] || _allowed[model_][solver_];
    }

    /// @notice Whether the model has an allow list now.
    function modelRequiresAllowList(bytes32 model_) external view returns (bool) {
        return submitSolutionMinerAllowList[model_];
    }

    /// @notice Make a model mineable: only the owner of the engine can.
    function setSolutionMineableRate(bytes32 model_, uint256 rate_) external onlyOwner {
        if (models[model_].addr == address(0)) revert ModelDoesNotExist();
        models[model_].rate = rate_;
        emit SolutionMineableRateChange(model_, rate_);
    }

    /// @notice Stop or resume registration.
    function setPaused(bool paused_) external {
        if (msg.sender != pauser) revert NotPauser();
        paused = paused_;
        emit PausedChanged(paused_);
    }

    function _register(address addr_, uint256 fee_, bytes calldata template_) private returns (bytes32 id) {
        if (addr_ == address(0)) revert AddressMustBeNonZero();
        Model memory model = Model({fee: fee_, addr: addr_, rate: 0, cid: generateIPFSCID(template_)});
        id = hashModel(model, msg.sender);
        if (models[id].addr != address(0)) revert ModelAlreadyRegistered();
        models[id] = model;
        emit ModelRegistered(id);
    }

    function _setAllowed(bytes32 model_, address[] calldata solvers_, bool allowed_) private {
        for (uint256 i = 0; i < solvers_.length; ++i) {
            _allowed[model_][solvers_[i]] = allowed_;
            emit ModelAllowListUpdated(model_, solvers_[i], allowed_);
        }
    }

    /// @dev Protocol-buffer varint: seven bits a byte, the lowest first.
    function _varint(uint256 n_) private pure returns (bytes memory out) {
        while (n_ > 0x7f) {
            out = abi.encodePacked(out, uint8(0x80 | (n_ & 0x7f)));
            n_ >>= 7;
        }
        return abi.encodePacked(out, uint8(n_));
    }
}
